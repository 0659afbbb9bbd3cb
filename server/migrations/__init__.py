"""The history of the registry's tables; ``server.registry.migration`` runs it.

A change of ``server/registry/schema.py`` comes with a new file in ``versions/``: copy the newest, give it the next
number as ``revision`` and the one before as ``down_revision``. A test compares the outcome with the schema.
"""
