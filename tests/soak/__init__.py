"""The crash soak: the whole service as real processes, killed at random while it works, and then counted.

It promises what `docs` promise: no job is lost, none is paid twice, and what is stored is what RunComfy made.
"""
