"""Does a notebook show and leave the same with nbcache as without it? Compared after every cell, sharing included."""
