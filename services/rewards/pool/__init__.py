"""The pool 爱心券池: requests, wishes that it can grant, and who gets a donated voucher."""
