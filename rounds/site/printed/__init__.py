"""The whole book as one PDF, made of the pages of the built site.

Jupyter Book's own single page will not do: sections of two chapters that are called
alike get one id there, and so do their explorers.

page.py     one page of the site, mended for paper
book.py     all of them in the order of the book, with a title page and the contents
pdf.py      the command: a browser prints that, and the page numbers are filled in
"""
