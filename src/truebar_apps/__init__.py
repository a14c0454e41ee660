"""Run truebar: the command line and what people and machines talk to."""
