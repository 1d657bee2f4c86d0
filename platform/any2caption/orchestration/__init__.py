"""What DAG files are built from: assets, stages, jobs with two back ends, retry policy.

Nothing is imported here, so that a job's runner and the command line stay light.
"""
