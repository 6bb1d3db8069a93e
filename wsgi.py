"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi …`.

What is loaded here stays until the process ends. So nobody looks through it for garbage, now or later, nor takes it
apart at the end: that was a quarter of the time of a command.
"""

import gc

gc.disable()
try:
    from backend import cli, for_command, for_process

    asked = cli.asked()
    app = for_process("web", serves=True) if asked is None else for_command(asked)
    gc.freeze()
finally:
    gc.enable()
