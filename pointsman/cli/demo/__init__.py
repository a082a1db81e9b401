"""`pointsman demo`, which `make run` runs: real models, a fault server and a router on this machine.

- `command`   the command line
- `run`       the story: set the stage, start, prove that it answers, tell what to try, end
- `cast`      what is started: models, fault server, router
- `company`   what was started, kept running and ended together
- `stage`     the temporary folder with the router's policies, endpoints and keys
- `children`  processes that end with this one, whatever ends it (`tied` is how)
- `probe`     asks the router as a client would
- `tour`      the lines to try, which `programme` prints
"""
