"""3. Pair ... -> Batch on the device. Pinned memory, CUDA streams and events live here and nowhere else.

`collector` which pairs go together and when · `raw` their bytes, staged · `ring` reused host memory · `normalise` bytes to
BT.601 full range floats · `lane` upload, compute and download on one device, on a CPU · `cuda_lane` the same on CUDA streams.
"""
