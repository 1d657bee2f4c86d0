"""What Airflow's API server loads: its plugins folder."""
