"""Where the records of a tree go: loguru, with `dn` and `incarnation` in `extra`."""
