"""A run as one portable folder or zip, and back into another workspace."""
