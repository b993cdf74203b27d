"""Do two pipelines draw from the same distributions? Estimated from what they put out."""
