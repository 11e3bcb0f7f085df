"""Gives `HTMLParser` back the method that Python 3.9 took away. Source: protocol dossier 12.1.

Without it qqbot, which is not touched otherwise, cannot be imported.
"""

import html
import html.parser

html.parser.HTMLParser.unescape = staticmethod(html.unescape)
