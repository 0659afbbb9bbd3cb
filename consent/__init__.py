"""What may be collected, and the proof that someone agreed to it.

Rules of this package:

* It imports the standard library, ``cryptography`` and ``joserfc`` and nothing else; import-linter enforces it.
* It does no I/O except on files whose path it is handed. It never opens a socket.
* Clocks and randomness are passed in.
"""

__version__ = "0.1.0"
