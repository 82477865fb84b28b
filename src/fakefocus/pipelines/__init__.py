"""The stages of the lineage and the protocols; they meet in the catalog and do not import each other."""
