"""Learning a county's model from its sales, offline: validation, index, features, trees, study, gate, bundle."""
