"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi …`.

What is loaded here stays until the process ends. So nobody looks through it for garbage, now or later, nor takes it
apart at the end: that was a quarter of the time of a command.
"""

import gc
import os

gc.disable()
try:
    import click
    from flask.cli import ScriptInfo

    # Whether Flask loads the application only to find a command of ours in it. Its own commands, such as `flask run`
    # and `flask routes`, load it once they run, in a context below. Other programs that are made with click, such as
    # servers, are none of Flask's.
    context = click.get_current_context(silent=True)
    is_asked = context is not None and context.parent is None and isinstance(context.obj, ScriptInfo)
    if is_asked:
        # It counts for itself alone: in the folder that servers share each would leave files, which all are read
        # whenever Prometheus asks. Before the application is loaded, which opens them.
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

    from backend import cli, for_command, for_process

    app = for_command(cli.asked(context)) if context and is_asked else for_process("web", serves=True)
    gc.freeze()
finally:
    gc.enable()
