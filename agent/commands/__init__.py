"""One file per verb. Each has ``register(parent)``, which adds its commands to the Typer app it is given.

Importing them must stay cheap and must touch nothing: what is heavy, or reads the machine, is imported inside the
command. Data goes to stdout, words to stderr; ``agent.cli`` turns errors into exit codes.
"""
