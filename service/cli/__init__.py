"""The command line `digitcodec`: a command is a module, which is imported only when it is asked for.

`flags` says what can be asked for and needs nothing but Python, so that help comes at once. `inputs` and `reading` turn
files into rows, `engines` have them answered by a service or by the model in this process, `output` writes what came.
"""
