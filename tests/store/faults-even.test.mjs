// Every other row of faults.mjs, beside the rest in another process.
import "./faults.mjs?even";
