document.querySelectorAll("th button").forEach(button=>button.addEventListener("click",()=>{
const head=button.parentElement,table=head.closest("table"),body=table.tBodies[0],at=head.cellIndex;
const down=head.getAttribute("aria-sort")==="ascending";
table.querySelectorAll("th").forEach(each=>each.removeAttribute("aria-sort"));
head.setAttribute("aria-sort",down?"descending":"ascending");
const value=row=>row.cells[at].dataset.value;
const compare=(a,b)=>value(a)===undefined||value(b)===undefined
?row(a).localeCompare(row(b)):value(a)-value(b);
const row=each=>each.cells[at].textContent;
[...body.rows].sort((a,b)=>down?compare(b,a):compare(a,b)).forEach(each=>body.append(each));
}));
// The system decides between light and dark until a person does.
document.querySelectorAll("#theme").forEach(button=>button.addEventListener("click",()=>{
const root=document.documentElement,chosen=root.style.colorScheme;
const dark=chosen?chosen==="dark":matchMedia("(prefers-color-scheme:dark)").matches;
root.style.colorScheme=dark?"light":"dark";
}));
// The date is that of the file, since a date within it would make each run another file.
document.querySelectorAll("[data-saved]").forEach(place=>{
if(location.protocol!=="file:")return;
const saved=new Date(document.lastModified),two=number=>String(number).padStart(2,"0");
place.textContent=`${saved.getFullYear()}-${two(saved.getMonth()+1)}-${two(saved.getDate())}`;
});
