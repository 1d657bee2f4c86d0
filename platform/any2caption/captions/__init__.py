"""The six-part structured caption: schema, text form, grammar, vocabulary, compiler."""
