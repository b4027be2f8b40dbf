"""Classical solvers, which run here; one file each."""
