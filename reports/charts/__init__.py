"""Charts as plain SVG, drawn once in Python: for the page, for print, and for a pull request.

A mark names its role by a class; `templates/chart.css` gives each role a colour of the palette, and
each role has its own shape, so that nothing is told by colour alone. Nothing here needs a script:
the page's own scripts only add to what is drawn (details on hover and focus, limits).
"""
