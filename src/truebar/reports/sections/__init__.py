"""The parts of a report below the verdict, one file for each question that a reader asks."""
