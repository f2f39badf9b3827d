"""`digitcodec bulk`: archives of images, far more than requests carry, on Ray Data; the gateway imports none of it.

`planning` finds the sources, `reading` opens them, `shards` cuts and decodes, `engines` run the model, `parts` are what
is written; `pipeline` puts them together on Ray, and `command` is what the user sees. How a job is cut into shards
depends on nothing but its inputs, so that one that was killed goes on where it was.
"""
