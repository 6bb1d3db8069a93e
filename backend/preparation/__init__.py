"""Getting a site ready: schema, default catalogue, and on the very first development start a simulated city."""
