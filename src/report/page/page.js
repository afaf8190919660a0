document.body.append(JSON.parse(document.getElementById('duet-data').textContent).schema);
