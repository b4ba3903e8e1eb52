"""The files that a job needs: found in its sources, packed where they have to travel, unpacked there."""
