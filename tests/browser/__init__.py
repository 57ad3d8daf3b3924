"""The pages in Chromium. Run where a browser and playwright are installed; reported as not run
elsewhere.
"""
