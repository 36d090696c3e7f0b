"""Runs the stages: the one place that owns threads, hand-overs and stopping.

`recipe` which stages, in order · `build` a recipe from a configuration · `pipeline` starts, stops, adds and removes pairs ·
`running` the threads of one pair · `reader` a thread per
camera · `matching` the thread that pairs frames · `engine` the thread that feeds the device · `warm_up` before the first frame · `outlet` a
thread per sink · `channel`, `packets` bounded hand-overs · `pace` replay in time · `meter` counts at the hand-overs ·
`worker` a thread that tells its name when it fails.
"""
