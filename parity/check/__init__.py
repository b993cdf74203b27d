"""What a check runs and what came of it: cases, plan, summary, exhibits, processes."""
