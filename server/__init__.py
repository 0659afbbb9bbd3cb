"""The operator's side: keeps the evidence, admits covered batches, shows them and deletes them."""
