"""Getting a site ready: schema, default catalogue, and on a first development start a simulated city."""
