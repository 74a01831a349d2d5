"""Contact properties: the custom fields that an account has defined, and what values they take."""
