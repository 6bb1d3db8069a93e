"""Runs a whole site from one command: the embedded servers, the web server and the background worker.

`python -m backend.supervisor`, which `make run` calls. Meant for development and small sites; a large one
gives these jobs to its own process manager.
"""
