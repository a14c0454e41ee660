"""The `truebar` command line."""

from truebar_io.machine import collect_garbage_seldom

collect_garbage_seldom()  # before all that a command imports
