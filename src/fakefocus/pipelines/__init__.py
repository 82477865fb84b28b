"""The seven pipelines; they meet in the catalog and do not import each other."""
