"""The HTTP API: one blueprint per file, each called ``blueprint``; ``server.app`` wires them together."""
