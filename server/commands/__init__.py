"""One file per verb of ``sysmetric-server``."""
