"""The floor of every request: a Flask application that does nothing, served as the real one is."""

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.post("/")
def answer() -> tuple[str, int]:
    """An empty answer to whatever was posted."""
    return "", 201
