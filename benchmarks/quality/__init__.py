"""How convincing a spoken face is: mouth, sharpness, seam, jitter, identity, cost.

Every figure stands beside that of the untouched clip, and beside those of other versions of the
renderer, which run in this process; all else is the orchestrator's own code and its server.
"""
