"""What the documentation site is built from: prepared pages, documented objects, and text for machines."""
