import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./console.css";
import { Console } from "./console.tsx";

const place = document.getElementById("console");
if (place !== null) render(<Console />, place);
