document.title = "Offhook";
