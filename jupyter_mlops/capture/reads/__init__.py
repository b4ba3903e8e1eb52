"""What a tracked piece of code reads: files and URLs, seen by hooks that are there only while it runs.

``hooks`` puts them in and takes them out, ``points`` lists the functions, ``swaps`` is how a function is
watched without becoming another object, ``scope`` tells data from Python's own files, ``digests`` and
``columns`` are what is known of a content, ``tables`` what is known of a result, ``urls`` what of a stream.

Not seen: reads by C, C++ and Rust libraries that are not listed in ``points`` (cv2, sqlite3, safetensors,
pyarrow's file system objects), builtin functions of pyarrow.csv and pyarrow.json that were imported by
name before the run, ``os.open`` and ``io.FileIO``, and what child processes read.
"""
