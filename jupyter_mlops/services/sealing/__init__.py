"""What a home puts into the team's blobs, so that every page works for who cannot read that home."""
