"""The page of `a2c play`: a request assembled, understood, captioned, edited and compared."""
