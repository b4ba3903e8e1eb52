"""Running a recorded run again, and telling whether it came out the same."""
