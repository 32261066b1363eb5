"""Files of somebody else, alive and untrusted: found, and read without touching them."""
