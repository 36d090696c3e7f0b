"""The command line: one module per command. `app` puts them together, `session` runs a pipeline for those that need one.

`table` what is shown while running · `logs` log lines on the terminal · `snapshot` the picture that `demo` leaves behind · `outputs` files
that are to be written.
"""
