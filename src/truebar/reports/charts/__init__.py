"""Charts of a report as plotly figures, one file for each subject; `plot` puts a figure on a page."""
