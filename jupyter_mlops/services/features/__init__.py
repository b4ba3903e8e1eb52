"""Feature views: defined by a function, computed as dataset versions, joined as of a time, served online."""
